/*
 * version.h - the version of this program. Layer 8.
 */
#ifndef PK_OPS_VERSION_H
#define PK_OPS_VERSION_H

#ifndef PANKA_VERSION
#error "PANKA_VERSION comes from the build file"
#endif

#endif
