-- Finds the answer that was given to an Idempotency-Key (C38). Few requests have one.
CREATE INDEX requests_by_idempotency ON requests (idempotency_hash) WHERE idempotency_hash <> '';
