/**
 * Names of enum values, and properties that no print shows. Knows nothing of the messages.
 */

/** The property by which Node.js asks an object how to print it. */
export const inspectCustom: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/**
 * An enum value of the contract without its prefix: `nameOf(JobState, job.state)` is `"SUCCEEDED"`. A value that this version does not
 * know is `"UNKNOWN(7)"`.
 */
export function nameOf(type: Readonly<Record<string, string | number>>, value: number): string {
  const name = type[value];
  return typeof name === "string" ? name : `UNKNOWN(${value})`;
}

/** Gives an object a property that is there for whoever asks for it by name, and for nobody who prints, spreads or copies. */
export function hide(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: false, configurable: true, writable: true });
}

/** Lets an object print, and become JSON, as this text. */
export function printAs(object: object, text: () => string): void {
  hide(object, inspectCustom, text);
  hide(object, "toJSON", text);
}
