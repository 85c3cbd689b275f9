import { Fault } from '@pixelflow/core/fault'

/** Whose share the bytes of a request count against: its account or, before authentication, the client's address. */
export interface RequestOwner {
  readonly account?: string | undefined
  /** Address of the client, with or without its port. */
  readonly peer: string
  /** Health checks have a separate share, so that a full share of a proxy's address does not fail them. */
  readonly isProbe?: boolean
}

/**
 * Limits the memory of requests that are buffered until they are complete: gRPC, Connect and WebSocket messages, JSON,
 * form fields. There is one per process. A request that does not fit is refused and does not wait, because a waiting
 * request would keep the memory of what it has sent.
 */
export interface RequestMemory {
  /** Starts a reservation for one request; it must be closed. */
  open(owner: RequestOwner): MemoryReservation
  /** Bytes of all open reservations. */
  readonly heldBytes: number
  /** Whether this owner holds more than half of its share. */
  isHalfFull(owner: RequestOwner): boolean
}

/** The memory of one request. */
export interface MemoryReservation {
  /** Reserves bytes. @throws Fault `overloaded` when they do not fit. */
  acquire(bytes: number): void
  /** Releases bytes. */
  release(bytes: number): void
  /** Releases all bytes. May be called again. */
  close(): void
}

export interface RequestMemoryLimits {
  /** Bytes of all requests together. */
  readonly totalBytes: number
  /** Bytes of all requests of one account. */
  readonly perAccountBytes: number
  /** Bytes of all unauthenticated requests from one address. */
  readonly perPeerBytes: number
}

/** Memory of a message besides its bytes, in bytes: objects of the library and of the decoded message. */
export const messageOverheadBytes = 512

const retryAfterMs = 1000
/** Least time between two garbage collections, in milliseconds. */
const collectEveryMs = 10_000

export function createRequestMemory(limits: RequestMemoryLimits): RequestMemory {
  const { totalBytes, perAccountBytes, perPeerBytes } = limits
  /** Reserved bytes by owner; owners without a reservation have no entry. */
  const shares = new Map<string, number>()
  let held = 0
  /** The last eighth is for owners with small reservations, so that a few large ones cannot block all others. */
  const reserveBytes = totalBytes / 8
  const smallBytes = totalBytes / 64
  let collectedAt = -Infinity
  /**
   * Refused bytes lie outside the heap, so the collector notices them too late. It does not run when only a share is
   * full, because unauthenticated callers can fill theirs at will. A synchronous collection of a million objects stops
   * the process for 1.5 s, a concurrent one for 70 ms, and both free the same.
   */
  const collect = () => {
    const now = performance.now()
    if (now - collectedAt < collectEveryMs) return
    collectedAt = now
    setTimeout(() => Bun.gc(false))
  }

  const maxShareOf = ({ account }: RequestOwner) =>
    Math.min(account === undefined ? perPeerBytes : perAccountBytes, totalBytes)

  return {
    get heldBytes() {
      return held
    },
    isHalfFull: (owner) => 2 * (shares.get(ownerKey(owner)) ?? 0) > maxShareOf(owner),
    open(owner) {
      const { account } = owner
      const share = ownerKey(owner)
      const maxBytes = maxShareOf(owner)
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
        acquire(bytes) {
          if (isClosed) return
          const now = (shares.get(share) ?? 0) + bytes
          const isShareFull = now > maxBytes
          const availableBytes = now > smallBytes ? totalBytes - reserveBytes : totalBytes
          if (isShareFull) throw shareFull(account !== undefined, maxBytes)
          if (held + bytes > availableBytes) {
            collect()
            throw memoryFull(totalBytes)
          }
          count(bytes)
        },
        release: (bytes) => count(-Math.min(bytes, own)),
        close() {
          isClosed = true
          count(-own)
        },
      }
    },
  }
}

/** Requests with the same key share one limit. */
export function ownerKey({ account, peer, isProbe = false }: RequestOwner): string {
  return account === undefined
    ? `${isProbe ? 'probes' : 'calls'} of ${networkOf(peer)}`
    : `account ${account}`
}

/** The address without its port; for IPv6 the /64 network, all of which may belong to one host. */
export function networkOf(peer: string): string {
  const [, bracketed] = /^\[([^\]]*)\]/.exec(peer) ?? []
  const isIpv6 = bracketed !== undefined || peer.split(':').length > 2
  if (!isIpv6) return peer.split(':', 1)[0] ?? peer
  // grpc-js and Bun write `address:port` without brackets; a port changes nothing in the first 64 bits.
  const address = (bracketed ?? peer).toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)/.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [prefix = ''] = address.split('::', 1)
  const groups = prefix.split(':', 4).filter((group) => group !== '')
  return [...groups, ...Array.from({ length: 4 - groups.length }, () => '0')].join(':')
}

function shareFull(isAccount: boolean, maxBytes: number): Fault {
  const [whose, setting] = isAccount
    ? ['of this account', 'PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT']
    : ['from this address', 'PIXELFLOW_REQUEST_MEMORY_PER_PEER']
  return new Fault(
    'overloaded',
    `Unfinished requests ${whose} already hold ${maxBytes} bytes, which is the limit.`,
    {
      remedy: `Finish requests before sending more, and try again. The limit is ${setting}.`,
      retryAfterMs,
    },
  )
}

function memoryFull(totalBytes: number): Fault {
  return new Fault('overloaded', `Unfinished requests already hold nearly all of ${totalBytes} bytes.`, {
    remedy: 'Try again in a moment. The limit is PIXELFLOW_REQUEST_MEMORY.',
    retryAfterMs,
  })
}
