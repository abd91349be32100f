/** This client's version; servers see it in the user agent. */
export const VERSION = "0.1.0";
