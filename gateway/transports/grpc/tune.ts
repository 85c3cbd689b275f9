import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { validate } from '@pixelflow/core/validation/validate'
import {
  TuneRequestSchema,
  type ImageService,
  type TuneChange,
  type TuneOpen,
  type TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { TuneUpdate } from '../../tuning/tune.ts'
import type { Usecases } from '../../usecases.ts'
import { largestChunk } from './content.ts'
import { plainValue } from './plain-value.ts'
import { protoField } from './proto-field.ts'
import type { Call, Implementation } from './rpc.ts'
import { faultMessage, taskMessage } from './views.ts'

type Response = MessageInitShape<typeof TuneResponseSchema>

/** Live tuning: the messages of the WebSocket, as the contract has them. */
export function tuneMethod({ tune }: Usecases): Pick<Implementation<typeof ImageService>, 'tune'> {
  return {
    async *tune(requests, call: Call) {
      for await (const heard of tune(call.caller(), said(requests), call.signal)) yield* messagesOf(heard)
    },
  }
}

async function* said(
  requests: AsyncIterable<MessageShape<typeof TuneRequestSchema>>,
): AsyncGenerator<ClientMessage, void> {
  for await (const { data } of requests) {
    const nameField = (path: readonly PropertyKey[]) =>
      protoField(TuneRequestSchema, path.length === 0 ? [] : [data.case ?? '', ...path])
    yield validate(clientMessage, plain(data), { whole: 'the message', nameField })
  }
}

/** A message in the JSON form, of which there is a schema. */
function plain(data: MessageShape<typeof TuneRequestSchema>['data']): unknown {
  switch (data.case) {
    case 'open':
      return { type: 'open', ...opened(data.value) }
    case 'change':
      return { type: 'change', ...changed(data.value) }
    case 'apply': {
      const { sequence } = data.value
      return { type: 'apply', ...(sequence === undefined ? {} : { sequence: integer(sequence) }) }
    }
    case undefined:
      throw new Fault('invalid_request', 'A message has neither open, change nor apply.', {
        field: 'data',
        remedy: 'Set one of them.',
      })
  }
}

/** As a number where one can hold it exactly; otherwise it stays what it is, for the schema to refuse. */
function integer(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function opened({ image, recipe, output, preview }: TuneOpen) {
  const { maxPixels = 0, format = '', quality = 0 } = preview ?? {}
  return {
    image,
    recipe: recipe === undefined ? '' : plainValue(recipe),
    ...(output === '' ? {} : { output }),
    preview: {
      ...(maxPixels === 0 ? {} : { maxPixels }),
      ...(format === '' ? {} : { format }),
      ...(quality === 0 ? {} : { quality }),
    },
  }
}

function changed({ sequence, recipe, set, output }: TuneChange) {
  return {
    sequence: integer(sequence),
    ...(recipe === undefined ? {} : { recipe: plainValue(recipe) }),
    ...(set === undefined ? {} : { set }),
    ...(output === '' ? {} : { output }),
  }
}

function* messagesOf(heard: TuneUpdate): Generator<Response, void> {
  switch (heard.type) {
    case 'opened':
    case 'restored':
      yield {
        data:
          heard.type === 'opened'
            ? { case: 'opened', value: { source: heard.source, preview: heard.preview } }
            : { case: 'restored', value: { sequence: BigInt(heard.sequence) } },
      }
      return
    case 'applied': {
      const { sequence, task, position = '' } = heard
      const value = { sequence: BigInt(sequence), task: taskMessage(task), position }
      yield { data: { case: 'applied', value } }
      return
    }
    case 'refused': {
      const { sequence, apply = false, fault } = heard
      const about = sequence === undefined ? {} : { sequence: BigInt(sequence) }
      yield { data: { case: 'refused', value: { ...about, apply, fault: faultMessage(fault) } } }
      return
    }
    case 'preview': {
      const { about, file } = heard
      const { sequence, bytes } = about
      yield {
        data: { case: 'preview', value: { ...about, sequence: BigInt(sequence), bytes: BigInt(bytes) } },
      }
      for (let at = 0; at < file.length; at += largestChunk) {
        yield { data: { case: 'chunk', value: file.subarray(at, at + largestChunk) } }
      }
    }
  }
}
