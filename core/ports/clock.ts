/**
 * The broker's clock, by which stored things are dated. Compare ages by it alone: the clocks of two machines may differ
 * by hours.
 */
export interface Clock {
  /** Milliseconds since 1970. Answers without a request to the broker. */
  now(): number
}
