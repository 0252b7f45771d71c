/**
 * AdamW (Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019) with the gradient clipped to a norm of 1.
 *
 * In plain additions, products and square roots, so equal gradients give equal weights on every runtime.
 */

export interface Settings {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Part of each matrix that is taken away in a step, times the rate; vectors (norms) keep theirs. */
  readonly decay: number
  readonly gradientNormMax: number
}

/** 0.98 instead of 0.999: a tiny model learns in hundreds of steps, and the mean of squares must have caught up by then. */
export const defaults: Settings = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, decay: 0.01, gradientNormMax: 1 }

/** Running means of a parameter's gradient, and of its square. */
export interface Moments {
  readonly mean: Float32Array
  readonly square: Float32Array
}

/** The optimiser's memory; it belongs to one set of parameters. */
export interface State {
  steps: number
  beta1Power: number
  beta2Power: number
  readonly moments: Map<string, Moments>
}

export const make = (): State => ({ steps: 0, beta1Power: 1, beta2Power: 1, moments: new Map() })

/** The memory after so many steps with these moments, to the bit: the powers are multiplied up as `step` does. */
export const restore = (steps: number, moments: Map<string, Moments>, settings: Settings = defaults): State => {
  let [beta1Power, beta2Power] = [1, 1]
  for (let i = 0; i < steps; i++) {
    beta1Power *= settings.beta1
    beta2Power *= settings.beta2
  }
  return { steps, beta1Power, beta2Power, moments }
}

/** Changes the parameters in place, against their gradients. `rate`: about 1e-3. */
export const step = (
  state: State,
  parameters: ReadonlyMap<string, { readonly data: Float32Array; readonly isMatrix: boolean }>,
  gradientOf: (name: string) => Float32Array,
  rate: number,
  settings: Settings = defaults
): void => {
  const { beta1, beta2, epsilon, decay, gradientNormMax } = settings
  state.steps++
  state.beta1Power *= beta1
  state.beta2Power *= beta2
  let squares = 0
  for (const name of parameters.keys()) for (const value of gradientOf(name)) squares += value * value
  const clip = Math.min(1, gradientNormMax / (Math.sqrt(squares) + 1e-9))
  const meanScale = 1 / (1 - state.beta1Power)
  const squareScale = 1 / (1 - state.beta2Power)
  for (const [name, { data, isMatrix }] of parameters) {
    const gradient = gradientOf(name)
    let moments = state.moments.get(name)
    if (moments === undefined) {
      moments = { mean: new Float32Array(data.length), square: new Float32Array(data.length) }
      state.moments.set(name, moments)
    }
    const { mean, square } = moments
    const shrink = 1 - (isMatrix ? rate * decay : 0)
    for (let i = 0; i < data.length; i++) {
      const value = gradient[i]! * clip
      mean[i] = beta1 * mean[i]! + (1 - beta1) * value
      square[i] = beta2 * square[i]! + (1 - beta2) * value * value
      data[i] = data[i]! * shrink - (rate * mean[i]! * meanScale) / (Math.sqrt(square[i]! * squareScale) + epsilon)
    }
  }
}
