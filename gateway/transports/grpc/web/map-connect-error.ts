import { Code, type ConnectError } from '@connectrpc/connect'
import { Fault } from '@pixelflow/core/fault'
import { decodeError } from '../decode-error.ts'
import { maxMessageBytes } from '../../../calls/max-request-bytes.ts'

/**
 * Maps the error of connect-es for an invalid request message to a fault; undefined for any other error. connect-es answers
 * undecodable binary messages with INTERNAL, which would blame the server. A message that was refused before decoding has
 * its fault as the cause.
 */
export function mapConnectError({ code, rawMessage, cause }: ConnectError): Fault | undefined {
  if (cause instanceof Fault) return cause
  // connect-es uses this code only for a message above `maxMessageBytes`.
  if (code === Code.ResourceExhausted) {
    return new Fault('resource_limit_exceeded', `The message must be at most ${maxMessageBytes} bytes.`, {
      remedy: 'Send a larger image with Upload, which splits the file into messages, or over HTTP.',
    })
  }
  if (code !== Code.Internal && code !== Code.InvalidArgument) return undefined
  return decodeError(rawMessage, cause instanceof Error ? cause.cause : undefined)
}
