# FastAPI, SQLModel, asyncpg, slowapi and passlib's bcrypt: the stack of the description that Donewell started from.
import os
import secrets
from datetime import datetime, timedelta, timezone
from typing import Annotated, Optional
from urllib.parse import unquote

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from passlib.context import CryptContext
from pydantic import BaseModel
from slowapi import Limiter
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address
from sqlalchemy import Column, DateTime
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

# Ten connections, as the others have: beyond them it would open ten more.
engine = create_async_engine(
    os.environ["DATABASE_URL"], pool_size=10, max_overflow=0, connect_args={"host": os.environ["DATABASE_HOST"]}
)
passwords = CryptContext(schemes=["bcrypt"])


def time():
    return Column(DateTime(timezone=True), nullable=False)


def now():
    return datetime.now(timezone.utc)


class User(SQLModel, table=True):
    __tablename__ = "user"
    id: str = Field(primary_key=True)
    name: str
    email: str


class Account(SQLModel, table=True):
    __tablename__ = "account"
    id: str = Field(primary_key=True)
    user_id: str
    password_hash: str


class Session(SQLModel, table=True):
    __tablename__ = "session"
    id: str = Field(primary_key=True)
    token: str
    user_id: str
    expires_at: datetime = Field(sa_column=time())


class Task(SQLModel, table=True):
    __tablename__ = "peer_task"
    id: Optional[int] = Field(default=None, primary_key=True)
    user_id: str
    title: str = Field(max_length=200)
    description: Optional[str] = Field(default=None, max_length=1000)
    status: bool = False
    category: Optional[str] = Field(default=None, max_length=100)
    priority: int = 2
    created_at: datetime = Field(default_factory=now, sa_column=time())
    updated_at: datetime = Field(default_factory=now, sa_column=time())


class NewTask(BaseModel):
    title: str
    description: Optional[str] = None
    priority: int = 2


class TaskChange(BaseModel):
    title: Optional[str] = None
    status: Optional[bool] = None


class Login(BaseModel):
    email: str
    password: str


class TaskPage(BaseModel):
    tasks: list[Task]


app = FastAPI()
app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["1000000000/minute"])
app.add_middleware(SlowAPIMiddleware)


async def get_db():
    async with AsyncSession(engine, expire_on_commit=False) as db:
        yield db


Db = Annotated[AsyncSession, Depends(get_db)]


async def current_user(request: Request, db: Db) -> User:
    token = unquote(request.cookies.get("better-auth.session_token", "")).split(".")[0]
    session = (await db.exec(select(Session).where(Session.token == token))).first()
    if session is None or session.expires_at <= now():
        raise HTTPException(401)
    user = (await db.exec(select(User).where(User.id == session.user_id))).first()
    if user is None:
        raise HTTPException(401)
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def find(db: AsyncSession, user: User, id: int) -> Task:
    task = (await db.exec(select(Task).where(Task.id == id, Task.user_id == user.id))).first()
    if task is None:
        raise HTTPException(404)
    return task


async def save(db: AsyncSession, task: Task) -> Task:
    db.add(task)
    await db.commit()
    await db.refresh(task)
    return task


@app.post("/api/auth/login")
async def login(body: Login, db: Db):
    user = (await db.exec(select(User).where(User.email == body.email))).first()
    account = user and (await db.exec(select(Account).where(Account.user_id == user.id))).first()
    if not account or not await run_in_threadpool(passwords.verify, body.password, account.password_hash):
        raise HTTPException(401)
    expires_at = now() + timedelta(minutes=30)
    session = Session(id=secrets.token_hex(16), token=secrets.token_hex(24), user_id=user.id, expires_at=expires_at)
    db.add(session)
    await db.commit()
    return {"user": user, "session": {"id": session.id}}


@app.get("/api/tasks", response_model=TaskPage)
async def list_tasks(user: CurrentUser, db: Db, limit: int = 100):
    tasks = await db.exec(select(Task).where(Task.user_id == user.id).order_by(Task.created_at.desc()).limit(limit))
    return {"tasks": tasks.all()}


@app.post("/api/tasks", response_model=Task, status_code=201)
async def create_task(body: NewTask, user: CurrentUser, db: Db):
    return await save(db, Task(**body.model_dump(), user_id=user.id))


@app.get("/api/tasks/{id}", response_model=Task)
async def get_task(id: int, user: CurrentUser, db: Db):
    return await find(db, user, id)


@app.put("/api/tasks/{id}", response_model=Task)
async def update_task(id: int, body: TaskChange, user: CurrentUser, db: Db):
    task = await find(db, user, id)
    for name, value in body.model_dump(exclude_unset=True).items():
        setattr(task, name, value)
    task.updated_at = now()
    return await save(db, task)


@app.patch("/api/tasks/{id}/complete", response_model=Task)
async def complete_task(id: int, user: CurrentUser, db: Db):
    task = await find(db, user, id)
    task.status, task.updated_at = True, now()
    return await save(db, task)


@app.get("/api/dashboard/stats")
async def stats(user: CurrentUser, db: Db):
    total = (await db.exec(select(func.count()).where(Task.user_id == user.id))).one()
    done = (await db.exec(select(func.count()).where(Task.user_id == user.id, Task.status))).one()
    return {"total_tasks": total, "completed_tasks": done}
