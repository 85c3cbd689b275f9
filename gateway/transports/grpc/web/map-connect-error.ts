import { Code, type ConnectError } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import { decodeError } from '../decode-error.ts'
import { largestMessage } from '../rpc.ts'

/**
 * What the library throws when a message of the client cannot be decoded, as our own fault; undefined for anything else.
 * One that was refused before it was decoded has that as its cause. The library calls mapConnectError binary INTERNAL, which
 * would blame the server.
 */
export function mapConnectError({ code, rawMessage, cause }: ConnectError): Fault | undefined {
  if (cause instanceof Fault) return cause
  // Of a message this is said only when it is longer than `largestMessage`.
  if (code === Code.ResourceExhausted) {
    return new Fault('resource_limit_exceeded', `The message must be at most ${largestMessage} bytes.`, {
      remedy: 'Send larger images by Upload, whose messages are parts of the file, or over HTTP.',
    })
  }
  if (code !== Code.Internal && code !== Code.InvalidArgument) return undefined
  return decodeError(rawMessage, cause instanceof Error ? cause.cause : undefined)
}
