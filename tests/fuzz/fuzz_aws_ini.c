/* fuzz_aws_ini.c - the AWS config and credentials files. */
#include "aws/profile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pk_aws_profiles *profiles = pk_aws_profiles_new("config", "credentials");
    const char *text = (const char *)data;
    bool ok = pk_aws_ini_parse(profiles, PK_AWS_INI_CONFIG, text, size, NULL);
    ok = pk_aws_ini_parse(profiles, PK_AWS_INI_CREDENTIALS, text, size, NULL) && ok;
    const char *value = ok ? pk_aws_profile_get(profiles, "default", "s3") : NULL;
    if (value != NULL)
        free(pk_aws_nested_get(value, "endpoint_url"));
    pk_aws_profiles_free(profiles);
    return 0;
}
