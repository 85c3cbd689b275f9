import { Fault } from '@pixelflow/core/fault'

/** Who is charged for the bytes of a request: its account or, as long as nobody knows that, the address it comes from. */
export interface Charged {
  readonly account?: string | undefined
  /** Address of the connection's other end, its port included or not. */
  readonly peer: string
}

/**
 * The memory of all requests whose parts have to be held until they are whole: messages of gRPC and Connect, JSON, fields
 * of forms, messages of WebSockets. One for the whole process. What does not fit is refused, never waited for: a request
 * that waits holds what it has already sent.
 */
export interface RequestMemory {
  /** The part of one request; it has to be closed. */
  open(charged: Charged): HeldBytes
  /** Bytes that are held now. */
  readonly heldBytes: number
}

/** What one request holds. */
export interface HeldBytes {
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

const retryAfterMs = 1000

export function createRequestMemory(limits: RequestMemoryLimits): RequestMemory {
  const { totalBytes, perAccountBytes, perPeerBytes } = limits
  /** Bytes by who is charged; those who hold nothing have no entry. */
  const shares = new Map<string, number>()
  let held = 0

  return {
    get heldBytes() {
      return held
    },
    open({ account, peer }) {
      const share = account === undefined ? `peer ${networkOf(peer)}` : `account ${account}`
      const most = Math.min(account === undefined ? perPeerBytes : perAccountBytes, totalBytes)
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
          if ((shares.get(share) ?? 0) + bytes > most) throw shareIsFull(account !== undefined, most)
          if (held + bytes > totalBytes) throw isFull(totalBytes)
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
  return new Fault('overloaded', `Unfinished requests already hold ${totalBytes} bytes, the most they may.`, {
    remedy: 'Try again in a moment; the limit is PIXELFLOW_REQUEST_MEMORY.',
    retryAfterMs,
  })
}
