import { expect, test } from 'bun:test'
import { bearerProtocol, parseBearerTokens, tuneProtocol } from './tune-protocol.ts'

test.each(['secret', 'a/b+c==', '~!"#$%&(),:;<>?@[]{}', 'x'.repeat(500)])(
  'the token %s travels as a subprotocol',
  (token) => {
    const protocol = bearerProtocol(token)
    // RFC 7230: what a token of a header may be made of.
    expect(protocol).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
    expect(parseBearerTokens([tuneProtocol, protocol])).toEqual([token])
  },
)

test.each([[[]], [[tuneProtocol]], [['bearer.']], [['bearer.a']], [['bearer.ä?']], [['Bearer.YQ']]])(
  'there is no token in %j',
  (protocols) => {
    expect(parseBearerTokens(protocols)).toEqual([])
  },
)
