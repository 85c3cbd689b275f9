import { expect, test } from 'bun:test'
import { defaultGrpcAddresses, readGrpcAddresses } from './grpc-addresses.ts'

test('all forms of gRPC addresses are parsed', () => {
  const read = (text: string) => readGrpcAddresses(text.split(','))
  expect(read('10.0.0.1, b.example:6000,[::1]')).toEqual({
    addresses: ['10.0.0.1:50051', 'b.example:6000', '[::1]:50051'],
    isEncrypted: undefined,
  })
  expect(read('dns:///gateways:50051').addresses).toEqual(['gateways:50051'])
  expect(read('https://a.example')).toEqual({ addresses: ['a.example:50051'], isEncrypted: true })
  expect(read('http://a:1/').isEncrypted).toBe(false)
})

test.each(['', 'a b', 'ftp://a', 'https://a/path', 'https://a,http://b'])(
  '%p is refused with a remedy',
  (text) => {
    expect(() => readGrpcAddresses(text.split(','))).toThrow(/^--grpc/)
  },
)

test('the default gRPC address is on the machine of the HTTP address', () => {
  expect(defaultGrpcAddresses('http://127.0.0.1:3000', 50_051)).toEqual({
    addresses: ['127.0.0.1:50051'],
    isEncrypted: false,
  })
  expect(defaultGrpcAddresses('https://[::1]:3000', 1)).toEqual({ addresses: ['[::1]:1'], isEncrypted: true })
})
