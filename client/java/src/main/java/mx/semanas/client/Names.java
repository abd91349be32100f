package mx.semanas.client;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import mx.semanas.v1.JobState;
import mx.semanas.v1.WorkHistoryJob;

/** Names of enum values, also of those that this version does not know. */
public final class Names {
  private Names() {}

  /**
   * The value's name in the contract without the prefix that all values of its type share, for
   * example {@code SUCCEEDED}; {@code UNKNOWN(7)} for one that this version does not know.
   *
   * <pre>{@code Names.of(JobState.getDescriptor(), job.getStateValue())}</pre>
   *
   * @param type the enum's type
   * @param number the value's number
   * @return the name
   */
  public static String of(EnumDescriptor type, int number) {
    EnumValueDescriptor value = type.findValueByNumber(number);
    if (value == null) {
      return "UNKNOWN(" + number + ")";
    }
    // The value zero is the prefix and this word, in every enum of the contract.
    String zero = type.findValueByNumber(0).getName();
    int prefix = zero.length() - "UNSPECIFIED".length();
    return value.getName().substring(prefix);
  }

  /**
   * The name of a job's state.
   *
   * @param job the job
   * @return for example {@code SUCCEEDED}
   */
  public static String ofState(WorkHistoryJob job) {
    return of(JobState.getDescriptor(), job.getStateValue());
  }

  /**
   * Whether a job in this state has ended. A state that this version does not know has not; a watch
   * knows better, because the server says which update is the last.
   *
   * @param state the state
   * @return whether it is SUCCEEDED, FAILED, CANCELLED or OUTCOME_UNKNOWN
   */
  public static boolean isTerminal(JobState state) {
    return switch (state) {
      case JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED, JOB_STATE_OUTCOME_UNKNOWN ->
          true;
      case JOB_STATE_UNSPECIFIED, JOB_STATE_QUEUED, JOB_STATE_RUNNING, UNRECOGNIZED -> false;
    };
  }
}
