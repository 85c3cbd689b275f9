import { Fault } from '@pixelflow/core/fault'

/** What is said of HTTP headers, and how it is said to somebody who sends messages. */
const overMessages: readonly (readonly [string, string])[] = [
  ['named so by the Content-Type header', 'named so by media_type'],
  ['The content type', 'The media type'],
]

/** The same to somebody who sends no headers either. */
const overGrpc: typeof overMessages = [
  ...overMessages,
  ['the header "Authorization: ', 'the metadata "authorization: '],
  ['The Authorization header holds', 'The metadata "authorization" holds'],
]

/** A fault in the words of the protocol that it is told by; use-cases and accounts know none of them. */
export function inWordsOf(protocol: 'grpc' | 'web', fault: Fault): Fault {
  const phrases = protocol === 'grpc' ? overGrpc : overMessages
  const said = (text: string) => phrases.reduce((now, [http, here]) => now.replace(http, here), text)
  const { remedy } = fault.place
  const message = said(fault.message)
  const newRemedy = remedy === undefined ? undefined : said(remedy)
  if (message === fault.message && newRemedy === remedy) return fault
  return new Fault(fault.code, message, {
    ...fault.place,
    ...(newRemedy === undefined ? {} : { remedy: newRemedy }),
    ...(fault.cause === undefined ? {} : { cause: fault.cause }),
  })
}
