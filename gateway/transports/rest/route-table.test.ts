import { describe, expect, test } from 'bun:test'
import { createRouteTable } from './route-table.ts'

const routes = createRouteTable(() => [
  { method: 'GET', path: '/' },
  { method: 'POST', path: '/things/' },
  { method: 'GET', path: '/things/' },
  { method: 'GET', path: '/things/:id' },
  { method: 'DELETE', path: '/things/:id' },
  { method: 'GET', path: '/things/latest' },
  { method: 'WS', path: '/things/:id/live' },
  { method: 'POST', path: '/pixelflow.v1.ImageService/GetVersion' },
])

describe('routes', () => {
  test.each([
    ['/', '/', ['GET', 'HEAD']],
    ['/things', '/things', ['GET', 'HEAD', 'POST']],
    ['/things/', '/things', ['GET', 'HEAD', 'POST']],
    ['/things/7', '/things/{id}', ['DELETE', 'GET', 'HEAD']],
    ['/things/{id}', '/things/{id}', ['DELETE', 'GET', 'HEAD']],
    ['/things/latest', '/things/latest', ['GET', 'HEAD']],
    ['/things/7/live', '/things/{id}/live', ['GET']],
    ['/pixelflow.v1.ImageService/GetVersion', '/pixelflow.v1.ImageService/GetVersion', ['POST']],
  ])('%s matches %s', (path, template, methods) => {
    expect(routes.templateOf(path)).toBe(template)
    expect(routes.methodsOf(path)).toEqual(methods)
  })

  test.each(['/thing', '/things/7/8', '/things//live', '/pixelflow_v1_ImageService/GetVersion', ''])(
    '"%s" is not found',
    (path) => {
      expect(routes.templateOf(path)).toBeUndefined()
      expect(routes.methodsOf(path)).toEqual([])
    },
  )
})
