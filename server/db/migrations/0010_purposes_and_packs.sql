-- Consent by purpose with its proof, double opt-in, ages, and how long each kind of record is kept.

select 1;
