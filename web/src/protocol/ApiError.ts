import type { Problem } from './types';

/** An answer that is not a success, or none at all (`network`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
    readonly fields: { field: string; detail: string }[] = [],
    readonly retryAfterMs?: number,
  ) {
    super(detail);
  }

  static network(): ApiError {
    return new ApiError('network', 0, 'the server cannot be reached');
  }

  static async from(response: Response): Promise<ApiError> {
    try {
      const problem = (await response.json()) as Problem;
      if (typeof problem.code === 'string') {
        return new ApiError(
          problem.code,
          response.status,
          problem.detail ?? problem.title,
          problem.errors ?? [],
          problem.retry_after_ms,
        );
      }
    } catch {
      // A proxy's page, not the server's answer.
    }
    return new ApiError(response.status >= 500 ? 'unavailable' : 'internal', response.status, response.statusText);
  }

  /** Will the same request do later? */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}
