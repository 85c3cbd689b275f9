/** Constants of the tuning WebSocket, shared by client and server. */

export const tunePath = '/api/v1/tune'

/** The WebSocket subprotocol. A client with a token also offers `bearerProtocol(token)`. */
export const tuneProtocol = 'pixelflow.tune.v1'

const prefix = 'bearer.'

/**
 * Encodes a token as a subprotocol, the only header that a page can set on a WebSocket. The server never selects it, so the
 * token appears neither in responses nor in URLs.
 */
export function bearerProtocol(token: string): string {
  return `${prefix}${btoa(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
}

/** The tokens among the offered subprotocols; invalid ones are skipped. */
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

/** Close codes of the tuning WebSocket (RFC 6455 section 7.4.1). */
export const closeCodes = {
  /** Normal closure. */
  done: 1000,
  /** Invalid message. */
  protocol: 1002,
  /** Forbidden, unknown image, too many sessions or idle; the preceding `failed` message has the reason. */
  refused: 1008,
  /** Message too large. */
  tooLarge: 1009,
  /** Internal error. */
  internal: 1011,
  /** The gateway is stopping. Connect again to reach another one. */
  restart: 1012,
  /** No actor can render previews. Try again later. */
  tryLater: 1013,
} as const

/** Longest client message, in characters. */
export const maxClientMessageLength = 64 * 1024
