// A file of its own, which the build puts together with the other one.
export enum Kind {
  Small,
  Large,
}

export interface Sum {
  readonly total: number;
  readonly kind: Kind;
}

export function sum<T extends readonly number[]>(numbers: T): Sum {
  const total = numbers.reduce((one: number, other: number): number => one + other, 0);
  return { total, kind: total < 100 ? Kind.Small : Kind.Large } satisfies Sum;
}
