import { fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { fromResponse } from '@pixelflow/proto/message-json'
import { FaultSchema, ImageSchema, TaskEventSchema, TaskSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { ImageView, RecipeInput, TaskEvent, TaskView } from '../client.ts'
import { absences } from './rpc-calls.gen.ts'

/** Converts parts of streamed messages to the JSON views of REST, so that both protocols return the same values. */

export function toImageView(message: MessageShape<typeof ImageSchema> | undefined): ImageView {
  return fromResponse(ImageSchema, requireMessage(message), absences)
}

export function toTaskView(message: MessageShape<typeof TaskSchema> | undefined): TaskView {
  return fromResponse(TaskSchema, requireMessage(message), absences)
}

export function toTaskEvent(message: MessageShape<typeof TaskEventSchema> | undefined): TaskEvent {
  const { token, ...event } = fromResponse<TaskEvent>(TaskEventSchema, requireMessage(message), absences)
  // In the order of HTTP, where the token is not part of the event.
  return { ...event, token }
}

export function toFault(
  message: MessageShape<typeof FaultSchema> | undefined,
): NonNullable<TaskView['fault']> {
  return fromResponse(FaultSchema, requireMessage(message), absences)
}

/** Converts a recipe to a protobuf value. */
export function toRecipeValue(recipe: RecipeInput) {
  return fromJson(ValueSchema, recipe as JsonValue)
}

/** Returns a message field, which proto3 makes optional but which the server always sends. */
function requireMessage<T>(message: T | undefined): T {
  if (message === undefined) {
    throw new TypeError(
      'The gRPC response lacks a required message. Check that the address is that of a PixelFlow server.',
    )
  }
  return message
}
