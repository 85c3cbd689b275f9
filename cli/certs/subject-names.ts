import 'reflect-metadata'
import { SubjectAlternativeNameExtension, X509Certificate } from '@peculiar/x509'

/** The subject alternative names of a certificate: DNS names and IP addresses, and URIs. */
export function readSubjectNames(certificate: string): { hosts: string[]; uris: string[] } {
  const names = new X509Certificate(certificate).getExtension(SubjectAlternativeNameExtension)?.names.toJSON()
  const of = (...types: string[]) =>
    (names ?? []).filter(({ type }) => types.includes(type)).map((one) => one.value)
  return { hosts: of('dns', 'ip'), uris: of('url') }
}
