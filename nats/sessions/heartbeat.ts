/** How often each side of an idle session sends a heartbeat. */
export const sessionHeartbeatMs = 500
/** Silence after which a session is broken. */
export const sessionTimeoutMs = 3000
