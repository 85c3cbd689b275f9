import { contentLength, send } from './http-request.ts'

export const formType = 'Content-Type: multipart/form-data; boundary=XX'

/** A part of a form with the boundary `XX`; line breaks of the head become CRLF. */
export function formPart(head: string, body: string): string {
  return `--XX\r\n${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}\r\n`
}

export const filePart = (body: string) =>
  formPart('Content-Disposition: form-data; name="file"; filename="a.jpg"', body)

export const recipePart = (body: string) => formPart('Content-Disposition: form-data; name="recipe"', body)

export const postForm = (body: string, path = '/api/v1/tasks') =>
  send('POST', path, [formType, contentLength(body)], body)
