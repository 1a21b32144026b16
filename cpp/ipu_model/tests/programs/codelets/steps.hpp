#define STEP_ODD(n) (3 * (n) + 1)
