import { Fault } from '@pixelflow/core/fault'

/** Who is charged for the bytes of a request: its account or, until that is known, the address it comes from. */
export interface Charged {
  readonly account?: string | undefined
  /** Address of the connection's other end, its port included or not. */
  readonly peer: string
  /** Health checks have a share of their own: a proxy in front, whose address all have, must not be taken for dead. */
  readonly isProbe?: boolean
}

/**
 * The memory of all requests whose parts have to be held until they are whole: messages of gRPC and Connect, JSON, fields
 * of forms, messages of WebSockets. One for the whole process. What does not fit is refused, never waited for: a request
 * that waits holds what it has already sent.
 */
export interface RequestMemory {
  /** The part of one request; it has to be closed. */
  open(charged: Charged): MemoryReservation
  /** Bytes that are held now. */
  readonly heldBytes: number
  /** Whether this caller holds more than half of what it may. */
  isHalfFull(charged: Charged): boolean
}

/** What one request holds. */
export interface MemoryReservation {
  /** Counts bytes that are held from now on. @throws Fault `overloaded` when there is no room for them. */
  take(bytes: number): void
  /** Counts bytes that are held no longer. */
  give(bytes: number): void
  /** Nothing of the request is held any more. May be called again. */
  close(): void
}

export interface RequestMemoryLimits {
  /** Bytes of all requests together. */
  readonly totalBytes: number
  /** Bytes of all requests of one account. */
  readonly perAccountBytes: number
  /** Bytes of all requests of unknown callers from one address. */
  readonly perPeerBytes: number
}

/** What is kept of a message besides its bytes, in bytes: what the library and the decoded message take of even an empty one. */
export const messageOverheadBytes = 512

const retryAfterMs = 1000
/** Milliseconds from one collection to the next at least. */
const collectEveryMs = 10_000

export function createRequestMemory(limits: RequestMemoryLimits): RequestMemory {
  const { totalBytes, perAccountBytes, perPeerBytes } = limits
  /** Bytes by who is charged; those who hold nothing have no entry. */
  const shares = new Map<string, number>()
  let held = 0
  /** The last of all is for those who hold little, so that a few who hold much cannot keep out everybody else. */
  const reserveBytes = totalBytes / 8
  const smallBytes = totalBytes / 64
  let collectedAt = -Infinity
  /**
   * What was refused lies outside the heap, so that the collector would find too late how much of it there is. Not when
   * only a share is full: a caller without credentials can fill its own at will. A full collection of a million objects
   * stops the process for 1.5 s, one beside it for 70 ms, and both free the same.
   */
  const collect = () => {
    const now = performance.now()
    if (now - collectedAt < collectEveryMs) return
    collectedAt = now
    setTimeout(() => Bun.gc(false))
  }

  const mostOf = ({ account }: Charged) =>
    Math.min(account === undefined ? perPeerBytes : perAccountBytes, totalBytes)

  return {
    get heldBytes() {
      return held
    },
    isHalfFull: (charged) => 2 * (shares.get(shareOf(charged)) ?? 0) > mostOf(charged),
    open(charged) {
      const { account } = charged
      const share = shareOf(charged)
      const most = mostOf(charged)
      let own = 0
      let isClosed = false
      const count = (bytes: number) => {
        own += bytes
        held += bytes
        const now = (shares.get(share) ?? 0) + bytes
        if (now > 0) shares.set(share, now)
        else shares.delete(share)
      }
      return {
        take(bytes) {
          if (isClosed) return
          const now = (shares.get(share) ?? 0) + bytes
          const isShareFull = now > most
          const room = now > smallBytes ? totalBytes - reserveBytes : totalBytes
          if (isShareFull) throw shareIsFull(account !== undefined, most)
          if (held + bytes > room) {
            collect()
            throw isFull(totalBytes)
          }
          count(bytes)
        },
        give: (bytes) => count(-Math.min(bytes, own)),
        close() {
          isClosed = true
          count(-own)
        },
      }
    },
  }
}

/** What all that is charged together has in common. */
export function shareOf({ account, peer, isProbe = false }: Charged): string {
  return account === undefined
    ? `${isProbe ? 'probes' : 'calls'} of ${networkOf(peer)}`
    : `account ${account}`
}

/** The address without its port. Of IPv6 the network of 64 bits, which one host may have all addresses of. */
export function networkOf(peer: string): string {
  const [, bracketed] = /^\[([^\]]*)\]/.exec(peer) ?? []
  const isIpv6 = bracketed !== undefined || peer.split(':').length > 2
  if (!isIpv6) return peer.split(':', 1)[0] ?? peer
  // grpc-js and Bun write `address:port` without brackets; a port changes nothing in the first 64 bits.
  const address = (bracketed ?? peer).toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)/.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [front = ''] = address.split('::', 1)
  const groups = front.split(':', 4).filter((group) => group !== '')
  return [...groups, ...Array.from({ length: 4 - groups.length }, () => '0')].join(':')
}

function shareIsFull(isAccount: boolean, most: number): Fault {
  const [whose, setting] = isAccount
    ? ['of this account', 'PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT']
    : ['from this address', 'PIXELFLOW_REQUEST_MEMORY_PER_PEER']
  return new Fault(
    'overloaded',
    `Unfinished requests ${whose} already hold ${most} bytes, the most they may.`,
    {
      remedy: `Finish requests before sending more, and try again; the limit is ${setting}.`,
      retryAfterMs,
    },
  )
}

function isFull(totalBytes: number): Fault {
  return new Fault('overloaded', `Unfinished requests already hold nearly all of ${totalBytes} bytes.`, {
    remedy: 'Try again in a moment; the limit is PIXELFLOW_REQUEST_MEMORY.',
    retryAfterMs,
  })
}
