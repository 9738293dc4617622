/*
 * The few Fortran entry points of OpenBLAS that the room uses (BLAS and LAPACK 3). Matrices are
 * column major there: a row-major lower triangle L is its upper one, transposed.
 *
 * OpenBLAS built without threads (Debian's openblas-serial among others) takes its work buffers
 * from a table without a lock: two calls at a time compute garbage now and then. So with such a
 * build one thread at a time is let in; blas_open finds out which build it is.
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

/* Before all others; again does nothing new. */
void blas_open(void);
void blas_enter(void);
void blas_leave(void);

/* Inside its own expansion a macro's name is the function. */
#define BLAS_GUARDED(call) (blas_enter(), (call), blas_leave())
#define dpotrf_(...)	   BLAS_GUARDED(dpotrf_(__VA_ARGS__))
#define dpotri_(...)	   BLAS_GUARDED(dpotri_(__VA_ARGS__))
#define dtrsv_(...)	   BLAS_GUARDED(dtrsv_(__VA_ARGS__))
#define dtrsm_(...)	   BLAS_GUARDED(dtrsm_(__VA_ARGS__))
#define dgemm_(...)	   BLAS_GUARDED(dgemm_(__VA_ARGS__))
#define dsyrk_(...)	   BLAS_GUARDED(dsyrk_(__VA_ARGS__))

#endif
