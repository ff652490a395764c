-- Where the data lay when the server last started. Anything else at a start means that they came from a backup.
create table origin (
  id     smallint primary key default 1 check (id = 1),
  server text not null check (char_length(server) <= 100),
  place  text not null check (char_length(place) <= 100)
);
