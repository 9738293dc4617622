/*
 * The few Fortran entry points of OpenBLAS that the room uses (BLAS and LAPACK 3). Matrices are
 * column major there: a row-major lower triangle L is its upper one, transposed.
 */
#ifndef GPU_CPU_BLAS_H
#define GPU_CPU_BLAS_H

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n, const double *a,
	const int *lda, double *x, const int *incx);
void dtrsm_(const char *side, const char *uplo, const char *trans, const char *diag, const int *m,
	const int *n, const double *alpha, const double *a, const int *lda, double *b,
	const int *ldb);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
	const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
	const double *beta, double *c, const int *ldc);
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
	const double *a, const int *lda, const double *beta, double *c, const int *ldc);

void openblas_set_num_threads(int n);
char *openblas_get_config(void);
char *openblas_get_corename(void);

#endif
