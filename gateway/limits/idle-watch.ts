/** Detects clients that send nothing. One timer serves all requests, because most of them arrive at once. */
export interface IdleWatch {
  /** Starts watching a client. `onIdle` is called once, when nothing arrived for `idleMs`. */
  begin(onIdle: () => void): IdleTimer
  readonly idleMs: number
}

export interface IdleTimer {
  /** Call it whenever the client has sent something. */
  alive(): void
  /** Stops watching. May be called again. */
  end(): void
}

interface Entry {
  aliveAt: number
  readonly onIdle: () => void
}

export function createIdleWatch(idleMs: number): IdleWatch {
  const entries = new Set<Entry>()
  let timer: ReturnType<typeof setInterval> | undefined
  const check = () => {
    const latest = performance.now() - idleMs
    for (const entry of entries) {
      if (entry.aliveAt > latest) continue
      entries.delete(entry)
      entry.onIdle()
    }
    if (entries.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    idleMs,
    begin(onIdle) {
      const entry = { aliveAt: performance.now(), onIdle }
      entries.add(entry)
      if (!timer) {
        timer = setInterval(check, Math.min(1000, idleMs / 4))
        timer.unref()
      }
      return {
        alive: () => void (entry.aliveAt = performance.now()),
        end: () => void entries.delete(entry),
      }
    },
  }
}
