# Drafted studies, one a line: UID, state of the report, findings still to be decided.
curl --fail --silent --header "Authorization: Bearer $TOKEN" "$NODE/api/v1/studies?state=drafted&state=delivered" |
  python3 -c '
import json, sys
for study in json.load(sys.stdin)["studies"]:
    print(study["study_uid"], study["report"]["state"], study["report"]["undecided"])'

# By words of the patient: they stand in the body, because patient names never stand in a URL.
curl --fail --silent --header "Authorization: Bearer $TOKEN" --json '{"text": "sample"}' "$NODE/api/v1/studies/search"
