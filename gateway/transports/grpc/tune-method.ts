import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { Fault } from '@pixelflow/core/fault'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { validate } from '@pixelflow/core/validation/validate'
import { viewTask } from '@pixelflow/core/views'
import { toMessage } from '@pixelflow/proto/message-json'
import {
  FaultSchema,
  TaskSchema,
  TuneRequestSchema,
  type ImageService,
  type TuneChange,
  type TuneOpen,
  type TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { TuneUpdate } from '../../tuning/tune.ts'
import type { Usecases } from '../../usecases.ts'
import { maxChunkBytes } from './read-content-chunks.ts'
import { plainValue } from './plain-value.ts'
import { protoField } from './proto-field.ts'
import type { Call, Implementation } from './implementation.ts'

type TuneResponse = MessageInitShape<typeof TuneResponseSchema>

/** Live tuning with the proto messages; the WebSocket has the same messages in JSON. */
export function tuneMethod({ tune }: Usecases): Pick<Implementation<typeof ImageService>, 'tune'> {
  return {
    async *tune(requests, call: Call) {
      for await (const update of tune(call.principal(), parseMessages(requests), call.signal))
        yield* messagesOf(update)
    },
  }
}

async function* parseMessages(
  requests: AsyncIterable<MessageShape<typeof TuneRequestSchema>>,
): AsyncGenerator<ClientMessage, void> {
  for await (const { data } of requests) {
    const nameField = (path: readonly PropertyKey[]) =>
      protoField(TuneRequestSchema, path.length === 0 ? [] : [data.case ?? '', ...path])
    yield validate(clientMessage, toClientMessage(data), { whole: 'the message', nameField })
  }
}

/** Converts a message to the JSON form that `clientMessage` validates. */
function toClientMessage(data: MessageShape<typeof TuneRequestSchema>['data']): unknown {
  switch (data.case) {
    case 'open':
      return { type: 'open', ...openFields(data.value) }
    case 'change':
      return { type: 'change', ...changeFields(data.value) }
    case 'apply': {
      const { sequence } = data.value
      return { type: 'apply', ...(sequence === undefined ? {} : { sequence: toInteger(sequence) }) }
    }
    case undefined:
      throw new Fault('invalid_request', 'The message has none of open, change and apply.', {
        field: 'data',
        remedy: 'Set exactly one of them.',
      })
  }
}

/** A number if it represents the value exactly; otherwise the bigint, which the schema refuses. */
function toInteger(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function openFields({ image, recipe, output, preview }: TuneOpen) {
  const { maxPixels = 0, format = '', quality = 0 } = preview ?? {}
  return {
    ...(image === '' ? {} : { image }),
    recipe: recipe === undefined ? '' : plainValue(recipe),
    ...(output === '' ? {} : { output }),
    preview: {
      ...(maxPixels === 0 ? {} : { maxPixels }),
      ...(format === '' ? {} : { format }),
      ...(quality === 0 ? {} : { quality }),
    },
  }
}

function changeFields({ sequence, recipe, set, output }: TuneChange) {
  return {
    sequence: toInteger(sequence),
    ...(recipe === undefined ? {} : { recipe: plainValue(recipe) }),
    ...(set === undefined ? {} : { set }),
    ...(output === '' ? {} : { output }),
  }
}

function* messagesOf(update: TuneUpdate): Generator<TuneResponse, void> {
  switch (update.type) {
    case 'opened':
    case 'restored':
      yield {
        data:
          update.type === 'opened'
            ? { case: 'opened', value: { source: update.source, preview: update.preview } }
            : { case: 'restored', value: { sequence: BigInt(update.sequence) } },
      }
      return
    case 'applied': {
      const { sequence, task, position = '' } = update
      const value = { sequence: BigInt(sequence), task: toMessage(TaskSchema, viewTask(task)), position }
      yield { data: { case: 'applied', value } }
      return
    }
    case 'refused': {
      const { sequence, apply = false, fault } = update
      const about = sequence === undefined ? {} : { sequence: BigInt(sequence) }
      yield {
        data: { case: 'refused', value: { ...about, apply, fault: toMessage(FaultSchema, { ...fault }) } },
      }
      return
    }
    case 'preview': {
      const { about, file } = update
      const { sequence, bytes } = about
      yield {
        data: { case: 'preview', value: { ...about, sequence: BigInt(sequence), bytes: BigInt(bytes) } },
      }
      for (let at = 0; at < file.length; at += maxChunkBytes) {
        yield { data: { case: 'chunk', value: file.subarray(at, at + maxChunkBytes) } }
      }
    }
  }
}
