/** Longest side of a picture in pixels: the largest that a JPEG header can hold. */
export const maxSide = 65_535
