import { expect, test } from 'bun:test'
import { bearerProtocol, parseBearerTokens, tuneProtocol } from './tune-protocol.ts'

test.each(['secret', 'a/b+c==', '~!"#$%&(),:;<>?@[]{}', 'x'.repeat(500)])(
  'the token %s is encoded as a subprotocol and parsed back',
  (token) => {
    const protocol = bearerProtocol(token)
    // The token characters of RFC 7230, section 3.2.6.
    expect(protocol).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
    expect(parseBearerTokens([tuneProtocol, protocol])).toEqual([token])
  },
)

test.each([[[]], [[tuneProtocol]], [['bearer.']], [['bearer.a']], [['bearer.ä?']], [['Bearer.YQ']]])(
  '%j contains no token',
  (protocols) => {
    expect(parseBearerTokens(protocols)).toEqual([])
  },
)
