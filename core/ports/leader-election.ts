/**
 * Work that one process does for all. At most one holds an office at a time, short of one that was frozen and does not
 * know it yet: what is done in office must therefore be harmless when it is done twice.
 */
export interface Elections {
  /**
   * Stands for an office until `signal` aborts; never rejects. Whenever this process holds it, `lead` runs; `deposed`
   * aborts when the office may be another's, or when `signal` does. An office whose `lead` ends is free for the next one
   * at once, one whose holder vanished within about a second.
   */
  stand(office: string, lead: (deposed: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>
}
