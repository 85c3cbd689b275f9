/**
 * The clock by which stored things are dated: the broker's, not that of this machine. Ages are compared by it alone, for
 * the clocks of two machines may differ by hours.
 */
export interface Clock {
  /** Milliseconds since 1970. Needs no exchange. */
  now(): number
}
