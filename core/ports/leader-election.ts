/**
 * Elects one process for work that must run once in the whole cluster. A process that was suspended may assume for
 * a moment that it is still the leader, so the work must be idempotent.
 */
export interface LeaderElection {
  /**
   * Campaigns for a role until `signal` aborts; never rejects. Runs `lead` whenever this process is the leader; `lost`
   * aborts when another process may become the leader, or when `signal` aborts. When `lead` ends, the role is free at
   * once; when its leader disappears, after about three seconds.
   */
  campaign(role: string, lead: (lost: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>
}
