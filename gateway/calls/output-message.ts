import { getOption, hasOption, type DescMessage, type DescMethod } from '@bufbuild/protobuf'
import { http } from '@pixelflow/proto/google/api/annotations_pb'

/** The field of a response that holds the output; empty for the whole response. REST returns this field as its body. */
export function responseFieldOf(method: DescMethod): string {
  return hasOption(method, http) ? getOption(method, http).responseBody : ''
}

/** The message that holds the output of a method. */
export function outputMessageOf(method: DescMethod): DescMessage {
  const field = method.output.fields.find(({ name }) => name === responseFieldOf(method))
  return field?.message ?? method.output
}
