# The answer as it is written. Ctrl-C closes the connection, and the model stops within a second.
curl --fail --no-buffer --silent --header "Authorization: Bearer $TOKEN" --header "Accept: text/event-stream" \
  --header "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" \
  --json '{"text": "Is there a pleural effusion?"}' "$NODE/api/v1/studies/$STUDY/questions"
