// Settles the type of k6's console, which @types/k6 leaves to the browser's library.
declare const console: { warn(message: string): void };
