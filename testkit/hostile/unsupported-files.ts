import { gzipSync } from 'node:zlib'
import { ascii, box } from './bytes.ts'

/** First bytes of files in unsupported formats, which some decoders read. */
export const unsupportedFiles: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  ['BMP', [...ascii('BM'), 0x46, 0, 0, 0, 0, 0, 0, 0, 0x36, 0, 0, 0, 0x28, 0, 0, 0]],
  ['icon', [0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0]],
  ['Photoshop', [...ascii('8BPS'), 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]],
  ['JPEG XL', [0xff, 0x0a, 0xfa, 0x1f, 0x01, 0x91, 0x08, 0x06]],
  [
    'JPEG XL in boxes',
    [...box('JXL ', 0x0d, 0x0a, 0x87, 0x0a), ...box('ftyp', ...ascii('jxl \0\0\0\0jxl '))],
  ],
  ['JPEG 2000', [...box('jP  ', 0x0d, 0x0a, 0x87, 0x0a), ...box('ftyp', ...ascii('jp2 \0\0\0\0jp2 '))]],
  ['JPEG 2000, bare', [0xff, 0x4f, 0xff, 0x51, 0, 0x2f]],
  ['HEIC', box('ftyp', ...ascii('heic\0\0\0\0mif1heic'))],
  ['a video', box('ftyp', ...ascii('isom\0\0\0\0isomiso2avc1mp41'))],
  ['PPM', ascii('P6\n10000 10000\n255\n')],
  ['Radiance', ascii('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 10 +X 10\n')],
  ['OpenEXR', [0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0]],
  ['FITS', ascii('SIMPLE  =                    T / conforms')],
  ['MATLAB', ascii('MATLAB 5.0 MAT-file')],
  ['NIfTI', [0x5c, 0x01, 0, 0, ...Array<number>(340).fill(0), ...ascii('n+1\0')]],
  ['libvips image', [0x08, 0xf2, 0xa6, 0xb6, 0, 0, 0, 8]],
  ['PDF', ascii('%PDF-1.7\n1 0 obj\n')],
  ['PostScript', ascii('%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file\n')],
  ['an ImageMagick script', ascii('push graphic-context\nfill "url(https://127.0.0.1/|ls)"\n')],
  ['MSL', ascii('<?xml version="1.0"?><image><read filename="/etc/passwd"/></image>')],
  ['an HTML page', ascii('<!doctype html><script>alert(1)</script>')],
  ['a shell script', ascii('#!/bin/sh\nid\n')],
  ['a program', [0x7f, ...ascii('ELF'), 2, 1, 1, 0]],
  ['ZIP', [...ascii('PK'), 3, 4, 20, 0, 0, 0, 8, 0]],
  ['gzip', [...gzipSync('<svg xmlns="http://www.w3.org/2000/svg"/>')]],
  ['audio', [...ascii('RIFF'), 36, 0, 0, 0, ...ascii('WAVEfmt ')]],
  ['PNG with converted line breaks', [0x89, ...ascii('PNG'), 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]],
  ['zeros only', []],
  ['an empty text', ascii(' \n\t ')],
].map(([name, bytes]) => {
  // Long enough not to be rejected for its length.
  const file = new Uint8Array(400)
  file.set(bytes as number[])
  return { name: name as string, bytes: file }
})
