# Checks of this project; each is named for what it decides.

# MERCURY_CHECK_C11: the compiler must take C11 with GNU's library extensions.
AC_DEFUN([MERCURY_CHECK_C11], [
  AS_CASE([$ac_prog_cc_stdc],
    [c11|no|c99|c89], [AS_IF([test "$ac_prog_cc_stdc" != c11],
      [AC_MSG_ERROR([a C11 compiler is needed: install the Debian package gcc or clang])])])
])

# MERCURY_REQUIRE(VARIABLE, MODULE, DEBIAN-PACKAGE)
AC_DEFUN([MERCURY_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 was not found: install the Debian package $3])])
])

# MERCURY_FLAG(VARIABLE, FLAG): add FLAG to VARIABLE if compiler and linker
# take it without a word.
AC_DEFUN([MERCURY_FLAG], [
  AS_VAR_PUSHDEF([cachevar], [mercury_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cachevar], [
    saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AS_VAR_SET([cachevar], [yes])], [AS_VAR_SET([cachevar], [no])])
    CFLAGS=$saved_cflags
  ])
  AS_VAR_IF([cachevar], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cachevar])
])

# MERCURY_WARNINGS: --enable-werror makes them errors, as CI does.
AC_DEFUN([MERCURY_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat warnings as errors])])
  m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 -Wundef
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wconversion
    -Wsign-conversion -Wnull-dereference -Wimplicit-fallthrough
    -Wduplicated-cond -Wlogical-op],
    [MERCURY_FLAG([WARN_CFLAGS], m4_defn([flag]))])
  AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

# MERCURY_HARDENING: on unless --disable-hardening or a sanitizer build.
AC_DEFUN([MERCURY_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening], [build without hardening flags])])
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [build with ASan and UBSan])])
  AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage], [build with gcov, see contrib/coverage.sh])])
  AS_IF([test "$enable_fuzzers" = yes], [enable_sanitizers=yes])
  AS_IF([test "$enable_hardening" != no && test "$enable_sanitizers" != yes &&
    test "$enable_coverage" != yes], [
    m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection
      -fcf-protection -fPIE],
      [MERCURY_FLAG([HARDEN_CFLAGS], m4_defn([flag]))])
    MERCURY_FLAG([PIE_LDFLAGS], [-pie])
    m4_foreach_w([flag], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack],
      [MERCURY_FLAG([HARDEN_LDFLAGS], m4_defn([flag]))])
    AS_CASE([" $CFLAGS "], [*" -O0 "*], [],
      [HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
  ])
  MERCURY_FLAG([HARDEN_LDFLAGS], [-Wl,--as-needed])
  dnl gcov must find the sources.
  AS_IF([test "$enable_coverage" != yes],
    [MERCURY_FLAG([HARDEN_CFLAGS], [-ffile-prefix-map=$srcdir=.])])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
  dnl Of programs: a module is shared.
  AC_SUBST([PIE_LDFLAGS])
  AC_SUBST([HARDEN_CPPFLAGS])
])

# MERCURY_SANITIZERS: --enable-sanitizers, see MERCURY_HARDENING.
AC_DEFUN([MERCURY_SANITIZERS], [
  AS_IF([test "$enable_sanitizers" = yes], [
    SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
    AC_DEFINE([MERCURY_SANITIZED], [1], [built with ASan and UBSan])
  ])
  AM_CONDITIONAL([SANITIZED], [test "$enable_sanitizers" = yes])
  AC_SUBST([SANITIZE_CFLAGS])
])

# MERCURY_GCOV: --enable-coverage, see MERCURY_HARDENING.
AC_DEFUN([MERCURY_GCOV], [
  AS_IF([test "$enable_coverage" = yes], [
    dnl Else gcc would write the counters in the middle of execve(2), which is
    dnl called in a child that shares the memory of its parent. Of these two
    dnl warnings gcc 12 dies with --coverage.
    COVERAGE_CFLAGS="--coverage -O0 -fno-builtin-execve"
    COVERAGE_CFLAGS="$COVERAGE_CFLAGS -Wno-format-truncation -Wno-format-overflow"
    COVERAGE_CPPFLAGS='-include $(top_srcdir)/tests/coverage.h'
    AC_DEFINE([MERCURY_COVERAGE], [1], [built with gcov])
  ])
  AM_CONDITIONAL([COVERAGE], [test "$enable_coverage" = yes])
  AC_SUBST([COVERAGE_CFLAGS])
  AC_SUBST([COVERAGE_CPPFLAGS])
])

# MERCURY_FUZZERS_COMPILER: before AC_PROG_CC, for only clang has libFuzzer.
AC_DEFUN([MERCURY_FUZZERS_COMPILER], [
  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers],
      [build tests/fuzz with libFuzzer, and all with ASan and UBSan])])
  AS_IF([test "$enable_fuzzers" = yes && test -z "$CC"],
    [AC_CHECK_PROGS([CC], [clang clang-14], [no])
    AS_IF([test "$CC" = no], [MERCURY_FUZZERS_MISSING])])
])

# MERCURY_FUZZERS_MISSING: end with what to install.
AC_DEFUN([MERCURY_FUZZERS_MISSING], [
  AC_MSG_ERROR([--enable-fuzzers needs clang with libFuzzer: install the Debian packages clang and libclang-rt-14-dev])
])

# MERCURY_FUZZERS: --enable-fuzzers, see tests/fuzz/local.mk.
AC_DEFUN([MERCURY_FUZZERS], [
  AS_IF([test "$enable_fuzzers" = yes], [
    FUZZ_LIBS=-fsanitize=fuzzer
    AC_MSG_CHECKING([whether $CC has libFuzzer])
    saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS $SANITIZE_CFLAGS $FUZZ_LIBS"
    AC_LINK_IFELSE([AC_LANG_SOURCE([[
      int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long);
      int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n) {
        return n > 0 && p[0] == 'x' ? 0 : 0;
      }]])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
      MERCURY_FUZZERS_MISSING])
    CFLAGS=$saved_cflags
    SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=fuzzer-no-link"
  ])
  AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
  AC_SUBST([FUZZ_LIBS])
])

# MERCURY_SANDBOX: filters of system calls are made by libseccomp, when the
# programs are built; they don't link it.
AC_DEFUN([MERCURY_SANDBOX], [
  AC_ARG_ENABLE([sandbox],
    [AS_HELP_STRING([--disable-sandbox],
      [let the children call all that the kernel has: build without libseccomp])])
  AS_IF([test "$enable_sandbox" = no],
    [AC_MSG_WARN([built without a sandbox: children may make every system call])],
    [PKG_CHECK_MODULES([SECCOMP], [libseccomp >= 2.5.2],
      [AC_DEFINE([MERCURY_SECCOMP], [1], [there are filters of system calls])],
      [AC_MSG_ERROR([libseccomp >= 2.5.2 was not found: install the Debian package libseccomp-dev, or give --disable-sandbox where a machine has none; children may then make every system call])])])
])
