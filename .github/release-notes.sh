#!/usr/bin/env bash
# Writes a release's notes: the changelog section of its version, and a button that deploys it. Reads the
# environment of GitHub's runners: GITHUB_REPOSITORY, GITHUB_REF_NAME (a tag v1.2.3), GITHUB_SERVER_URL.
set -euo pipefail
cd "$(dirname "$0")/.."

notes=$(awk -v heading="## ${GITHUB_REF_NAME#v}" '
  /^## / { ours = index($0, heading) == 1; next }
  ours
' CHANGELOG.md)
if [[ ! $notes =~ [^[:space:]] ]]; then
  echo "release notes: CHANGELOG.md has no section for ${GITHUB_REF_NAME#v}" >&2
  exit 1
fi

# The portal fetches the template in the browser, which works for the raw file, but not for a release's files.
template=https://raw.githubusercontent.com/$GITHUB_REPOSITORY/$GITHUB_REF_NAME/infra/main.json
escaped=${template//:/%3A}
escaped=${escaped//\//%2F}
package=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/releases/download/$GITHUB_REF_NAME/released-package.zip

cat <<END
$notes

## Deploy

[![Deploy to Azure](https://aka.ms/deploytoazurebutton)](https://portal.azure.com/#create/Microsoft.Template/uri/$escaped)

The form asks for \`imageResourceGroup\`, the resource group of your gallery, and \`packageUri\`, the app:

    $package
END
