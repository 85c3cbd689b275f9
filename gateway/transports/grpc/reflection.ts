import { createRegistry, toBinary, type DescFile, type DescService, type Registry } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ServerReflection } from '@pixelflow/proto/grpc/reflection/v1/reflection_pb'
import { file_google_rpc_error_details } from '@pixelflow/proto/google/rpc/error_details_pb'
import { ServerReflection as ServerReflectionAlpha } from '@pixelflow/proto/grpc/reflection/v1alpha/reflection_pb'
import type { Implementation } from './implementation.ts'

/** A request of either version. */
type ReflectionQuery =
  | {
      case: 'listServices' | 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType'
      value: string
    }
  | { case: 'fileContainingExtension'; value: { containingType: string; extensionNumber: number } }
  | { case: undefined; value?: undefined }

interface ReflectionRequest {
  readonly host: string
  readonly messageRequest: ReflectionQuery
}

type ReflectionResult =
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'allExtensionNumbersResponse'; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } }

const notFound = 5
const invalidArgument = 3

/** The two versions of server reflection have equal messages under two names. */
export const reflectionServices = [ServerReflection, ServerReflectionAlpha] as const

/** Describes services to tools without the proto files, such as grpcurl. */
export function reflection(services: readonly DescService[]): {
  v1: Implementation<typeof ServerReflection>
  v1alpha: Implementation<typeof ServerReflectionAlpha>
} {
  const query = createQuery(services)
  async function* respond<Q extends ReflectionRequest>(requests: AsyncIterable<Q>) {
    for await (const request of requests) {
      const { host: validHost, messageRequest } = request
      yield { validHost, originalRequest: request, messageResponse: query(messageRequest) }
    }
  }
  return { v1: { serverReflectionInfo: respond }, v1alpha: { serverReflectionInfo: respond } }
}

function createQuery(services: readonly DescService[]): (query: ReflectionQuery) => ReflectionResult {
  const files = new Map<string, DescFile>()
  const collect = (file: DescFile) => {
    if (files.has(file.proto.name)) return
    files.set(file.proto.name, file)
    file.dependencies.forEach(collect)
  }
  services.forEach(({ file }) => collect(file))
  // No service refers to the error details, but statuses contain them.
  collect(file_google_rpc_error_details)
  const registry = createRegistry(...files.values())

  return (query) => {
    switch (query.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: services.map(({ typeName: name }) => ({ name })) },
        }
      case 'fileByFilename':
        return fileResult(files.get(query.value), `file ${query.value}`)
      case 'fileContainingSymbol':
        return fileResult(fileOf(registry, query.value), `symbol ${query.value}`)
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = query.value
        const found = extensionsOf(registry, containingType).find((one) => one.number === extensionNumber)
        return fileResult(found?.file, `extension ${extensionNumber} of ${containingType}`)
      }
      case 'allExtensionNumbersOfType': {
        const { value } = query
        if (!registry.getMessage(value)) return errorResult(notFound, `Unknown message ${value}.`)
        const extensionNumber = extensionsOf(registry, value).map((one) => one.number)
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value, extensionNumber } }
      }
      case undefined:
        return errorResult(invalidArgument, 'message_request is not set. Set one of its fields.')
    }
  }
}

function fileResult(file: DescFile | undefined, name: string): ReflectionResult {
  if (!file) return errorResult(notFound, `Unknown ${name.slice(0, 200)}.`)
  const all = [...withDependencies(file)].map((one) => toBinary(FileDescriptorProtoSchema, one.proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: all } }
}

/** The file, then its dependencies, so that one request is enough. */
function withDependencies(file: DescFile, known = new Set<DescFile>()): Set<DescFile> {
  if (known.has(file)) return known
  known.add(file)
  for (const one of file.dependencies) withDependencies(one, known)
  return known
}

/** The file that declares a symbol: a type, a service, or a member of one. */
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

function errorResult(errorCode: number, errorMessage: string): ReflectionResult {
  return { case: 'errorResponse', value: { errorCode, errorMessage } }
}
