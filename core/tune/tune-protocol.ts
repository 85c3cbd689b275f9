/** How tuning looks on a WebSocket, for both its ends. */

export const tunePath = '/api/v1/tune'

/** The subprotocol that is spoken; a client offers it, and beside it `bearerProtocol(token)` when it has a token. */
export const tuneProtocol = 'pixelflow.tune.v1'

const prefix = 'bearer.'

/**
 * A token as a subprotocol: the one header that a page can set on a WebSocket, where not every character is allowed.
 * Never answered, so it is in no log that keeps answers, and in no URL.
 */
export function bearerProtocol(token: string): string {
  return `${prefix}${btoa(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
}

/** The tokens among offered subprotocols, without those that could be none. */
export function parseBearerTokens(protocols: readonly string[]): readonly string[] {
  return protocols.filter((one) => one.startsWith(prefix)).flatMap((one) => decoded(one.slice(prefix.length)))
}

function decoded(encoded: string): string[] {
  if (!/^[A-Za-z0-9_-]+$/.test(encoded)) return []
  try {
    return [atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))]
  } catch {
    return []
  }
}

/** Why a WebSocket of tuning is closed (RFC 6455 section 7.4.1). */
export const closeCodes = {
  /** The client has said goodbye, or the session has done all it was asked. */
  done: 1000,
  /** What was said could not be understood. */
  protocol: 1002,
  /** Not allowed, unknown image, too many sessions, idle: the `failed` frame before says which. */
  refused: 1008,
  /** A message larger than is taken. */
  tooLarge: 1009,
  /** Our fault. */
  internal: 1011,
  /** This gateway stops: connect again, another one goes on. */
  restart: 1012,
  /** Nobody can make previews just now: try again later. */
  tryLater: 1013,
} as const

/** Characters that one message of a client may have. */
export const maxClientMessageLength = 64 * 1024
