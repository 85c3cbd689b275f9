/** Style sheets are bundled with the script that imports them and have nothing to export. */
declare module '*.css'
