//! Ways to break what the simulation must catch: a test of its eyes, not of the engine's.
//!
//! Each is done where engine and outside world meet, so that no line of the engine has to know of it.

/// A build that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A lease is all there is: intents are not written into the ledger.
    NoIntents,
    /// Whoever has held a lease decides for ever.
    NoFences,
    /// A lease never seems to end to its holder.
    NoDeadlines,
    /// A call whose caller is lost is taken for one that was not sent.
    Resends,
    /// Request ids are forgotten at once.
    NoRequestIds,
    /// A watcher gets each event twice.
    EventsTwice,
    /// A watcher misses one event.
    EventMissing,
    /// A cursor says one event more than was told.
    CursorAhead,
    /// A late fact moves a job that has ended.
    Revives,
    /// Versions and fences are given again after a rewind.
    VersionsTwice,
    /// Nobody hears of a loss.
    DeafToLoss,
    /// A call is made whose intent was postponed.
    SendsPostponed,
}

impl Broken {
    pub(super) const ALL: [Broken; 12] = [
        Broken::NoIntents,
        Broken::NoFences,
        Broken::NoDeadlines,
        Broken::Resends,
        Broken::NoRequestIds,
        Broken::EventsTwice,
        Broken::EventMissing,
        Broken::CursorAhead,
        Broken::Revives,
        Broken::VersionsTwice,
        Broken::DeafToLoss,
        Broken::SendsPostponed,
    ];
}
