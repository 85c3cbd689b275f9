/**
 * The broker's clock, which timestamps everything that is stored. Compute ages only with this clock: the clocks of two
 * machines may differ by hours.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. Does not send a request to the broker. */
  now(): number
}
