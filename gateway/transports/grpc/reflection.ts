import { createRegistry, toBinary, type DescFile, type DescService, type Registry } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ServerReflection } from '@pixelflow/proto/grpc/reflection/v1/reflection_pb'
import { file_google_rpc_error_details } from '@pixelflow/proto/google/rpc/error_details_pb'
import { ServerReflection as ServerReflectionAlpha } from '@pixelflow/proto/grpc/reflection/v1alpha/reflection_pb'
import type { Implementation } from './rpc.ts'

/** What can be asked and answered, in whichever of the two versions. */
type Question =
  | {
      case: 'listServices' | 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType'
      value: string
    }
  | { case: 'fileContainingExtension'; value: { containingType: string; extensionNumber: number } }
  | { case: undefined; value?: undefined }

interface Asked {
  readonly host: string
  readonly messageRequest: Question
}

type Answer =
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'allExtensionNumbersResponse'; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } }

const notFound = 5
const invalidArgument = 3

/** The two versions of the reflection service: equal messages under two names. */
export const reflectionServices = [ServerReflection, ServerReflectionAlpha] as const

/** Describes services to tools that were not given the contract, such as grpcurl. */
export function reflection(services: readonly DescService[]): {
  v1: Implementation<typeof ServerReflection>
  v1alpha: Implementation<typeof ServerReflectionAlpha>
} {
  const answer = answering(services)
  async function* answers<Q extends Asked>(questions: AsyncIterable<Q>) {
    for await (const question of questions) {
      const { host: validHost, messageRequest } = question
      yield { validHost, originalRequest: question, messageResponse: answer(messageRequest) }
    }
  }
  return { v1: { serverReflectionInfo: answers }, v1alpha: { serverReflectionInfo: answers } }
}

function answering(services: readonly DescService[]): (question: Question) => Answer {
  const files = new Map<string, DescFile>()
  const collect = (file: DescFile) => {
    if (files.has(file.proto.name)) return
    files.set(file.proto.name, file)
    file.dependencies.forEach(collect)
  }
  services.forEach(({ file }) => collect(file))
  // No service names them, but errors carry them.
  collect(file_google_rpc_error_details)
  const registry = createRegistry(...files.values())

  return (question) => {
    switch (question.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: services.map(({ typeName: name }) => ({ name })) },
        }
      case 'fileByFilename':
        return fileAnswer(files.get(question.value), `file ${question.value}`)
      case 'fileContainingSymbol':
        return fileAnswer(fileOf(registry, question.value), `symbol ${question.value}`)
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = question.value
        const found = extensionsOf(registry, containingType).find((one) => one.number === extensionNumber)
        return fileAnswer(found?.file, `extension ${extensionNumber} of ${containingType}`)
      }
      case 'allExtensionNumbersOfType': {
        const { value } = question
        if (!registry.getMessage(value)) return failure(notFound, `There is no message ${value}.`)
        const extensionNumber = extensionsOf(registry, value).map((one) => one.number)
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value, extensionNumber } }
      }
      case undefined:
        return failure(invalidArgument, 'The request asks for nothing.')
    }
  }
}

function fileAnswer(file: DescFile | undefined, what: string): Answer {
  if (!file) return failure(notFound, `There is no ${what.slice(0, 200)}.`)
  const all = [...withDependencies(file)].map((one) => toBinary(FileDescriptorProtoSchema, one.proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: all } }
}

/** The file first, then everything it stands on, so that one question is enough. */
function withDependencies(file: DescFile, known = new Set<DescFile>()): Set<DescFile> {
  if (known.has(file)) return known
  known.add(file)
  for (const one of file.dependencies) withDependencies(one, known)
  return known
}

/** A symbol may be a type, a service, or a member of one. */
function fileOf(registry: Registry, symbol: string): DescFile | undefined {
  const found = registry.get(symbol)
  if (found) return found.file
  const owner = registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.'))))
  const member = symbol.slice(symbol.lastIndexOf('.') + 1)
  const members =
    owner?.kind === 'service'
      ? owner.methods
      : owner?.kind === 'message'
        ? [...owner.fields, ...owner.oneofs]
        : owner?.kind === 'enum'
          ? owner.values
          : []
  return members.some((one) => one.name === member) ? owner?.file : undefined
}

function extensionsOf(registry: Registry, typeName: string) {
  return [...registry]
    .filter((one) => one.kind === 'extension')
    .filter((one) => one.extendee.typeName === typeName)
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } }
}
