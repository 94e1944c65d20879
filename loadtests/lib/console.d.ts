// Settles the type of k6's console, which @types/k6 leaves to the browser's library.
declare const console: { log(message: string): void; warn(message: string): void };
