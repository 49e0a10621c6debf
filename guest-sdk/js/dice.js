// Math.random, whose dice change when an actor begins: a snapshot has those of the build.

/** The engine's own. */
export const own = Math.random;
let dice = own;

Math.random = function random() {
  return dice();
};

/** From now on numbers are what this gives. */
export function throwWith(other) {
  dice = other;
}
