//! Decides what happens to a call: which fault hits it, how long the answer takes, which scenario applies.
//!
//! Three layers are asked in order: what was set for the person, for the provider, for everybody. The person's own
//! nature (see `people`) comes last. All dice are seeded and all counters live here, so a run can be repeated.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

use crate::Provider;
use crate::faults::{Fault, FaultRule, Step};
use crate::options::{Latency, Options};
use crate::scenario::{KibanScenario, MsRange, NubariumScenario, Quota, Settings, TuIdentidadScenario};

/// What was decided about one call.
pub(crate) struct Plan {
    pub(crate) fault: Option<Fault>,
    /// Whether the provider books a billable call; a fault may say no.
    pub(crate) books_charges: bool,
    /// From the decision until the answer.
    pub(crate) answer_in: Duration,
    /// From acceptance until an asynchronous result is ready.
    pub(crate) ready_in: Duration,
    pub(crate) kiban: KibanScenario,
    pub(crate) tuidentidad: TuIdentidadScenario,
    pub(crate) nubarium: NubariumScenario,
}

/// The call about which a plan is wanted.
pub(crate) struct Asked<'a> {
    pub(crate) provider: Provider,
    pub(crate) step: Step,
    pub(crate) curp: Option<&'a str>,
    pub(crate) nature: &'a Settings,
}

pub(crate) struct Rules {
    first: (u64, Latency, f64),
    state: Mutex<State>,
}

struct State {
    dice: StdRng,
    latency: Latency,
    latency_scale: f64,
    everybody: Layer,
    providers: BTreeMap<Provider, Layer>,
    people: HashMap<String, Layer>,
    buckets: BTreeMap<Provider, Bucket>,
}

/// Settings and, for each of its fault rules, the calls that it has seen and hit.
#[derive(Default)]
struct Layer {
    settings: Settings,
    counts: Vec<Count>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    seen: u32,
    hit: u32,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Rules {
    pub(crate) fn new(options: &Options) -> Self {
        let first = (options.seed, options.latency, options.latency_scale);
        Self {
            first,
            state: Mutex::new(State::new(first)),
        }
    }

    /// Back to the options with which the sandbox was started.
    pub(crate) fn reset(&self) {
        *self.state() = State::new(self.first);
    }

    pub(crate) fn set_person(&self, curp: &str, settings: Option<Settings>) {
        let mut state = self.state();
        match settings {
            Some(settings) => drop(state.people.insert(curp.to_owned(), Layer::of(settings))),
            None => drop(state.people.remove(curp)),
        }
    }

    pub(crate) fn set_provider(&self, provider: Provider, settings: Option<Settings>) {
        let mut state = self.state();
        state.buckets.remove(&provider);
        state
            .providers
            .insert(provider, Layer::of(settings.unwrap_or_default()));
    }

    pub(crate) fn set_everybody(&self, settings: Settings) {
        self.state().everybody = Layer::of(settings);
    }

    pub(crate) fn everybody(&self) -> Settings {
        self.state().everybody.settings.clone()
    }

    pub(crate) fn set_latency(&self, latency: Option<Latency>, scale: Option<f64>) {
        let mut state = self.state();
        state.latency = latency.unwrap_or(state.latency);
        state.latency_scale = scale.unwrap_or(state.latency_scale);
    }

    pub(crate) fn latency(&self) -> (Latency, f64) {
        let state = self.state();
        (state.latency, state.latency_scale)
    }

    pub(crate) fn person(&self, curp: &str) -> Option<Settings> {
        self.state().people.get(curp).map(|layer| layer.settings.clone())
    }

    pub(crate) fn provider(&self, provider: Provider) -> Settings {
        self.state()
            .providers
            .get(&provider)
            .map(|layer| layer.settings.clone())
            .unwrap_or_default()
    }

    /// Whether the provider's port must not listen.
    pub(crate) fn is_refusing(&self, provider: Provider) -> bool {
        let is_refusal = |rule: &FaultRule| rule.fault == Fault::Refuse;
        self.provider(provider).faults.iter().any(is_refusal)
    }

    /// Whether a connection that was just accepted is to be reset.
    pub(crate) fn hits_connection(&self, provider: Provider) -> bool {
        let state = &mut *self.state();
        let layer = state.providers.entry(provider).or_default();
        layer.hit(&mut state.dice, provider, None).is_some()
    }

    /// Takes one request out of the provider's quota, or says how long to wait.
    pub(crate) fn admit(&self, provider: Provider, now: Instant) -> Result<(), Duration> {
        let quota = self.provider(provider).quota;
        match quota {
            None => Ok(()),
            Some(quota) => self
                .state()
                .buckets
                .entry(provider)
                .or_insert(Bucket::full(quota, now))
                .take(quota, now),
        }
    }

    pub(crate) fn plan(&self, asked: &Asked<'_>) -> Plan {
        let state = &mut *self.state();
        let fault = state.fault(asked);
        let none = Settings::default();
        let layer = |layer: Option<&Layer>| layer.map_or_else(Settings::default, |layer| layer.settings.clone());
        let person = asked
            .curp
            .map_or_else(|| none.clone(), |curp| layer(state.people.get(curp)));
        let provider = layer(state.providers.get(&asked.provider));
        let everybody = layer(Some(&state.everybody));
        let wish = person.latency.or(provider.latency).or(everybody.latency);
        let answer_in = state.answer_in(asked.provider, wish);
        let ready_in = state.ready_in(asked.provider);
        Plan {
            books_charges: fault.as_ref().is_none_or(Fault::is_billed),
            fault,
            answer_in,
            ready_in,
            kiban: person
                .kiban
                .over(&provider.kiban)
                .over(&everybody.kiban)
                .over(&asked.nature.kiban),
            tuidentidad: person
                .tuidentidad
                .over(&provider.tuidentidad)
                .over(&everybody.tuidentidad)
                .over(&asked.nature.tuidentidad),
            nubarium: person
                .nubarium
                .over(&provider.nubarium)
                .over(&everybody.nubarium)
                .over(&asked.nature.nubarium),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new((seed, latency, latency_scale): (u64, Latency, f64)) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            latency,
            latency_scale,
            everybody: Layer::default(),
            providers: BTreeMap::new(),
            people: HashMap::new(),
            buckets: BTreeMap::new(),
        }
    }

    fn fault(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        let call = (asked.provider, Some(asked.step));
        if let Some(layer) = asked.curp.and_then(|curp| self.people.get_mut(curp))
            && let Some(fault) = layer.hit(&mut self.dice, call.0, call.1)
        {
            return Some(fault);
        }
        let provider = self.providers.entry(asked.provider).or_default();
        provider
            .hit(&mut self.dice, call.0, call.1)
            .or_else(|| self.everybody.hit(&mut self.dice, call.0, call.1))
    }

    fn answer_in(&mut self, provider: Provider, wish: Option<MsRange>) -> Duration {
        let own = match provider {
            Provider::Kiban => self.latency.kiban_answer,
            Provider::TuIdentidad => self.latency.tuidentidad_answer,
            Provider::Nubarium => self.latency.nubarium_answer,
        };
        match wish {
            Some(range) => self.draw(range),
            None => self.draw(own).mul_f64(self.latency_scale),
        }
    }

    fn ready_in(&mut self, provider: Provider) -> Duration {
        let range = match provider {
            Provider::Kiban => self.latency.kiban_document,
            Provider::TuIdentidad => self.latency.tuidentidad_ticket,
            Provider::Nubarium => MsRange::fixed(0),
        };
        self.draw(range).mul_f64(self.latency_scale)
    }

    fn draw(&mut self, range: MsRange) -> Duration {
        let ms = self.dice.random_range(range.min_ms..=range.max_ms.max(range.min_ms));
        Duration::from_millis(ms)
    }
}

impl Layer {
    fn of(settings: Settings) -> Self {
        let counts = vec![Count::default(); settings.faults.len()];
        Self { settings, counts }
    }

    /// The first rule that matches the call (or, without a step, the bare connection) and counts it.
    fn hit(&mut self, dice: &mut StdRng, provider: Provider, step: Option<Step>) -> Option<Fault> {
        let rules = self.settings.faults.iter().zip(&mut self.counts);
        let mut matching = rules.filter(|(rule, _)| applies(rule, provider, step));
        matching.find_map(|(rule, count)| count.counts_as_hit(rule, dice).then(|| rule.fault.clone()))
    }
}

fn applies(rule: &FaultRule, provider: Provider, step: Option<Step>) -> bool {
    let is_right_moment = rule.fault.is_about_the_connection() == step.is_none();
    let is_right_step = step.is_none() || rule.on.is_none() || rule.on == step;
    is_right_moment && is_right_step && rule.provider.is_none_or(|wanted| wanted == provider)
}

impl Count {
    fn counts_as_hit(&mut self, rule: &FaultRule, dice: &mut StdRng) -> bool {
        self.seen += 1;
        let is_due = self.seen > rule.after && rule.times.is_none_or(|times| self.hit < times);
        let is_hit = is_due && rule.probability.is_none_or(|probability| dice.random_bool(probability));
        self.hit += u32::from(is_hit);
        is_hit
    }
}

impl Bucket {
    fn full(quota: Quota, now: Instant) -> Self {
        Self {
            tokens: f64::from(quota.burst),
            filled: now,
        }
    }

    fn take(&mut self, quota: Quota, now: Instant) -> Result<(), Duration> {
        let gained = now.duration_since(self.filled).as_secs_f64() * quota.requests_per_second;
        self.tokens = (self.tokens + gained).min(f64::from(quota.burst));
        self.filled = now;
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / quota.requests_per_second));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}
