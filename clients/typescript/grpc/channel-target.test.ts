import { expect, test } from 'bun:test'
import { parseHost, toChannelTarget } from './channel-target.ts'

test('converts addresses to a grpc-js target', () => {
  expect(toChannelTarget(['a.example:50051'])).toBe('dns:///a.example:50051')
  expect(toChannelTarget(['dns:///a.example:50051'])).toBe('dns:///a.example:50051')
  expect(toChannelTarget(['dns://10.0.0.2:53/a.example:50051'])).toBe('dns://10.0.0.2:53/a.example:50051')
  expect(toChannelTarget([' 10.0.0.1:1', 'dns:///b:2', '[::1]:3'])).toBe(
    'pixelflow-list:/10.0.0.1:1,/b:2,/[::1]:3',
  )
  expect(['a.example:1', 'dns:///b:2', '[::1]:3'].map(parseHost)).toEqual(['a.example', 'b', '::1'])
})

test.each([[[]], [['']], [['a b:1']], [['https://a:1']], [['a:1', 'b/c']]])('rejects %j', (addresses) => {
  expect(() => toChannelTarget(addresses)).toThrow(TypeError)
})
